interface Screen {
  readonly isTTY?: boolean;
  hasColors?: () => boolean;
}

const isSet = (value: string | undefined): boolean => value !== undefined && value !== '';
const isOff = (value: string | undefined): boolean => value === '0' || value === 'false';

/** Whether what is written there is coloured (https://no-color.org, https://bixense.com/clicolors, and FORCE_COLOR as Node has it). */
export function hasColours(screen: Screen, environment: NodeJS.ProcessEnv = process.env): boolean {
  const { NO_COLOR: no, FORCE_COLOR: force, CLICOLOR_FORCE: forced, CLICOLOR: own, TERM: term } = environment;
  if (isSet(no) || isOff(force)) return false;
  if (isSet(force) || (isSet(forced) && !isOff(forced))) return true;
  return screen.isTTY === true && own !== '0' && term !== 'dumb' && (screen.hasColors?.() ?? false);
}

/** Whether a stream's text is coloured (https://no-color.org, https://bixense.com/clicolors, and chalk's FORCE_COLOR). */
interface Screen {
  readonly isTTY?: boolean;
  hasColors?: () => boolean;
}

const isSet = (value: string | undefined): boolean => value !== undefined && value !== '';
const isOff = (value: string | undefined): boolean => value === '0' || value === 'false';

export function hasColours(screen: Screen, environment: NodeJS.ProcessEnv = process.env): boolean {
  const { NO_COLOR: no, FORCE_COLOR: force, CLICOLOR_FORCE: forced, CLICOLOR: own, TERM: term } = environment;
  if (isSet(no) || isOff(force)) return false;
  if (isSet(force) || (isSet(forced) && !isOff(forced))) return true;
  // Of a terminal that is dumb, hasColors knows; its own check of the environment is done above.
  return screen.isTTY === true && own !== '0' && term !== 'dumb' && (screen.hasColors?.() ?? false);
}

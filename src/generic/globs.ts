/** `**` is any folders, `*` anything within one, `?` one character; a glob without a slash is a file's name anywhere. */
export function matchesGlob(path: string, glob: string): boolean {
  const normal = path.replaceAll('\\', '/').replace(/^\.\//, '');
  const pattern = glob
    .replace(/^\.\//, '')
    .split(/(\*\*\/|\*\*|\*|\?)/)
    .map((part) => patterns[part] ?? part.replace(/[.+^${}()|[\]\\]/g, '\\$&'))
    .join('');
  return new RegExp(glob.includes('/') ? `^${pattern}$` : `(^|/)${pattern}$`).test(normal);
}

const patterns: Readonly<Record<string, string>> = { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' };

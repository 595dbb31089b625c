/** The folder that the build writes. This module is somewhere in it, compiled, or bundled with others. */
const DIST = import.meta.url.slice(0, import.meta.url.lastIndexOf("/dist/") + "/dist/".length);

/** A file that the build wrote to dist/. */
export function distFile(name: string): URL {
  return new URL(name, DIST);
}

/** A file of the package itself: its package.json, a rules file. */
export function packageFile(name: string): URL {
  return new URL(`../${name}`, DIST);
}

/** The folder that the build writes: this module stands somewhere in it, compiled, or bundled with others. */
const DIST = import.meta.url.slice(0, import.meta.url.lastIndexOf("/dist/") + "/dist/".length);

/** A file that the build has put into dist/. */
export function distFile(name: string): URL {
  return new URL(name, DIST);
}

/** A file of the package itself: its package.json, a rules file. */
export function packageFile(name: string): URL {
  return new URL(`../${name}`, DIST);
}

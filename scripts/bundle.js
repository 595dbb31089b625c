import { build } from "esbuild";
import { writeNotices } from "./notices.js";

// A step of the build: the programs as a few files instead of 300, which Node reads and compiles at every start, and of zod
// what is used. What a program loads only when it is asked for (await import) stays in files of its own. The modules that
// tsc wrote stay beside them, for the tests; what they find by their place (rules, gate.wasm) is as far from src/chunks.
const programs = ["f2b-stream", "f2b-exec", "f2b-regex", "f2b-client"];

const { metafile } = await build({
  entryPoints: programs.map((name) => `dist/src/bin/${name}.js`),
  outdir: "dist/src",
  outbase: "dist/src",
  chunkNames: "chunks/[name]-[hash]",
  allowOverwrite: true,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: true,
  metafile: true,
  // yaml comes as CommonJS, which asks for node's modules by require.
  banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
});

writeNotices(metafile, "dist/gate.wasm.map", "dist/THIRD-PARTY-NOTICES");

import { rmSync } from "node:fs";
import { build } from "rolldown";
import { writeNotices } from "./notices.js";

// A step of the build: the programs as a few files in dist/bin and dist/chunks, which is what the package holds, instead of 300, which
// Node would read and compile at every start. What a program loads only on demand (await import) stays in files of its own. Tests
// import the modules that tsc has written to dist/src.

const PROGRAMS = ["f2b-stream", "f2b-exec", "f2b-regex", "f2b-client", "f2b-tail"];

// Chunks of an earlier build have other names.
for (const folder of ["dist/bin", "dist/chunks"]) rmSync(folder, { recursive: true, force: true });

const { output } = await build({
  input: {
    ...Object.fromEntries(PROGRAMS.map((name) => [name, `dist/src/bin/${name}.js`])),
    "check-worker": "dist/src/check/worker.js",
  },
  platform: "node",
  output: {
    dir: "dist",
    format: "esm",
    // The maps stay beside the chunks and out of the package: a stack trace of a release is read with those of the same build.
    sourcemap: true,
    minify: true,
    entryFileNames: ({ name }) => (name === "check-worker" ? "chunks/[name].js" : "bin/[name].js"),
    chunkFileNames: "chunks/[name]-[hash].js",
    // Without these groups there is a chunk for each set of programs that share some module.
    codeSplitting: {
      groups: [
        { name: "yaml", test: /node_modules\/yaml\// },
        { name: "zod", test: /node_modules\/zod\// },
        { name: "common", test: /dist\/src\/(?:shared|cli|protocol\/(?!control))/, minShareCount: 2 },
        {
          name: "filter",
          test: /dist\/src\/(?:python|filter|rules|stream\/(?:input|jail|window|gate))\//,
          minShareCount: 2,
        },
      ],
    },
  },
});

const chunks = output.filter(({ type }) => type === "chunk");
writeNotices(chunks, "dist/gate.wasm.map", "dist/THIRD-PARTY-NOTICES");

#!/usr/bin/env node
import { runProgram } from "../cli/program.ts";
import { main } from "../stream/main.ts";

await runProgram("f2b-stream", main);

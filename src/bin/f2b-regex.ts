#!/usr/bin/env node
import { runProgram } from "../cli/program.ts";
import { main } from "../regex/main.ts";

await runProgram("f2b-regex", main);

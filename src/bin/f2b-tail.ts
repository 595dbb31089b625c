#!/usr/bin/env node
import { runProgram } from "../cli/program.ts";
import { main } from "../tail/main.ts";

await runProgram("f2b-tail", main);

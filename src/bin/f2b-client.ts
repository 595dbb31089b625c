#!/usr/bin/env node
import { runProgram } from "../cli/program.ts";
import { main } from "../client/main.ts";

await runProgram("f2b-client", main);

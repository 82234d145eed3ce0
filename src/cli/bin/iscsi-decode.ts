#!/usr/bin/env node
import { decode } from '../decode.ts';
import { runAsProcess } from '../process.ts';

await runAsProcess(decode);

#!/usr/bin/env node
import { runAsProcess } from '../process.ts';
import { target } from '../target.ts';

await runAsProcess(target);

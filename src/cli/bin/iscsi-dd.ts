#!/usr/bin/env node
import { dd } from '../dd.ts';
import { runAsProcess } from '../process.ts';

await runAsProcess(dd);

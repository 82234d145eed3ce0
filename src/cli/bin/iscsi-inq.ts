#!/usr/bin/env node
import { inq } from '../inq.ts';
import { runAsProcess } from '../process.ts';

await runAsProcess(inq);

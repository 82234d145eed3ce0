#!/usr/bin/env node
import { ls } from '../ls.ts';
import { runAsProcess } from '../process.ts';

await runAsProcess(ls);

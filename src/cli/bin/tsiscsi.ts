#!/usr/bin/env node
import { runAsProcess } from '../process.ts';
import { tsiscsi } from '../tsiscsi.ts';

await runAsProcess(tsiscsi);

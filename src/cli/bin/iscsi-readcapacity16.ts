#!/usr/bin/env node
import { runAsProcess } from '../process.ts';
import { readcapacity16 } from '../readcapacity16.ts';

await runAsProcess(readcapacity16);

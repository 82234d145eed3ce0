#!/usr/bin/env node
import { doctor } from '../doctor.ts';
import { runAsProcess } from '../process.ts';

await runAsProcess(doctor);

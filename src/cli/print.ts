/**
 * What a tool writes: text for people or one JSON document for scripts on stdout, problems on stderr. No password in
 * either, and no character that a terminal would not show: what targets call themselves passes here.
 */
import type { Writable } from 'node:stream';
import { toHex } from '../bytes/hex.ts';
import { IscsiError, LoginError, ProtocolError } from '../errors.ts';
import { ScsiStatusError } from '../scsi/status-error.ts';
import { ToolError } from './exit.ts';
import { lowerFirst } from './options.ts';
import { redact } from './redact.ts';
import { visible, visibleJson } from './visible.ts';

/** Goes up when a field changes its meaning or goes away; new fields alone do not change it. */
export const SCHEMA_VERSION = 1;

/** The streams that a tool writes to; tests pass their own. */
export interface Streams {
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** An error as the JSON documents show it. */
export interface ErrorDocument {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  /** SCSI status and sense, login status, clause: whatever the error knows besides. */
  readonly [fact: string]: unknown;
}

/** Writes a tool's results and complaints. */
export class Printer {
  readonly #name: string;
  readonly #streams: Streams;
  #results: Writable;
  /** Whether results are JSON. */
  readonly json: boolean;

  constructor(name: string, streams: Streams, json: boolean) {
    this.#name = name;
    this.#streams = streams;
    this.#results = streams.stdout;
    this.json = json;
  }

  /** From now on stdout is for data that the tool copies there: results and documents go to stderr. */
  leaveStdoutToData(): void {
    this.#results = this.#streams.stderr;
  }

  /** One line of the result. */
  line(text: string): void {
    this.#results.write(`${visible(text)}\n`);
  }

  /** The result, as the one JSON document of this run. `schemaVersion` comes first. */
  document(content: Readonly<Record<string, unknown>>): void {
    this.#results.write(toJson(content));
  }

  /** One line on stderr, behind the tool's name. `text` holds no password. */
  note(text: string): void {
    this.#streams.stderr.write(`${this.#name}: ${visible(oneLine(text))}\n`);
  }

  /** What went wrong, and what to do about it. `about` names what it happened to. */
  problem(error: unknown, about?: string): void {
    const text = describe(error);
    this.note(about === undefined ? text : `${about}: ${text}`);
  }

  /** The error as the JSON document of this run. */
  errorDocument(error: unknown): void {
    this.document({ error: errorDocument(error) });
  }

  /** Class, code, stack and causes, for `--debug`. */
  trace(error: unknown): void {
    for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
      const stack = redact(at.stack ?? `${at.name}: ${at.message}`);
      const text = stack.split('\n').map(visible).join('\n');
      this.#streams.stderr.write(`${this.#name}: debug: ${depth > 0 ? 'caused by ' : ''}${text}\n`);
    }
  }
}

function oneLine(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('; ');
}

/** `error` in one line, without passwords: what could not be done, then what to do. */
export function describe(error: unknown): string {
  const { message, hint } = errorDocument(error);
  return hint === undefined ? lowerFirst(message) : `${lowerFirst(message)}; ${lowerFirst(hint)}`;
}

/** `error` as data, without passwords. */
export function errorDocument(error: unknown): ErrorDocument {
  if (!(error instanceof Error)) return { code: 'INTERNAL', message: redact(String(error)) };
  const facts =
    error instanceof ToolError
      ? { ...(error.cause instanceof Error && factsOf(error.cause)), ...error.facts }
      : factsOf(error);
  const hint = error instanceof ToolError || error instanceof IscsiError ? error.hint : undefined;
  return {
    code: codeOf(error),
    message: redact(error.message),
    // Hints are fixed texts; some show how a URL with a password is written.
    ...(hint === undefined ? {} : { hint }),
    ...facts,
  };
}

function codeOf(error: Error): string {
  if (error instanceof ToolError || error instanceof IscsiError) return error.code;
  // System errors of Node.js carry ENOENT and the like.
  return 'code' in error && typeof error.code === 'string' ? error.code : 'INTERNAL';
}

function factsOf(error: Error): Readonly<Record<string, unknown>> {
  if (error instanceof ScsiStatusError) {
    const { command, status, statusName, sense } = error;
    const { senseKey, key, asc, ascq, text } = sense ?? {};
    return { command, status, statusName, ...(sense && { sense: { senseKey, key, asc, ascq, text } }) };
  }
  if (error instanceof LoginError) return { statusClass: error.statusClass, statusDetail: error.statusDetail };
  if (error instanceof ProtocolError) return error.clause === undefined ? {} : { clause: error.clause };
  return {};
}

/**
 * A JSON document with its schema version: 64-bit integers as numbers while a number can hold them exactly, else as
 * decimal strings; bytes as hex digits. Characters that do not show are escaped, so that reading it gives them back.
 */
export function toJson(content: Readonly<Record<string, unknown>>): string {
  return `${visibleJson(JSON.stringify({ schemaVersion: SCHEMA_VERSION, ...content }, plain, 2))}\n`;
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
  if (value instanceof Uint8Array) return toHex(value);
  return value;
}

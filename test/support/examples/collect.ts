/**
 * The `@example` blocks of doc comments. Sources are read as text: the formatter keeps declarations in a shape that
 * this can rely on.
 */

/** One block. */
export interface Example {
  /** The source, from the root of the repository: `src/scsi/cdb.ts`. */
  readonly file: string;
  /** The line of its first line of code, from 1. */
  readonly line: number;
  /** Its lines, without the ` * ` in front. */
  readonly code: readonly string[];
  /**
   * What the comment belongs to: the name of an exported declaration, undefined for members and what is not exported.
   */
  readonly declares: string | undefined;
}

/** A kind of declaration that has a name in the type world alone, or in the value world. */
export interface Declaration {
  readonly kind: 'function' | 'class' | 'const' | 'type';
  readonly name: string;
}

const DECLARATION = /^export (?:declare )?(?:abstract )?(?:async )?(function|class|const|interface|type)\*? (\w+)/gm;

/** What `text`, a source, declares and exports where it stands; lists such as `export { a } from` are not meant. */
export function exportsOf(text: string): readonly Declaration[] {
  return [...text.matchAll(DECLARATION)].map(declarationOf);
}

/** The examples in `text`, which is the source `file`, in order. */
export function examplesIn(file: string, text: string): readonly Example[] {
  const found: Example[] = [];
  for (const comment of text.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    const before = text.slice(0, comment.index).split('\n').length;
    const behind = text.slice(comment.index + comment[0].length).trimStart();
    const declares = exportsOf(behind.slice(0, behind.indexOf('\n') + 1))[0]?.name;
    for (const block of blocksOf(comment[0])) {
      found.push({ file, line: before + block.at, code: block.code, declares });
    }
  }
  return found;
}

interface Block {
  /** Lines of the comment in front of the code. */
  readonly at: number;
  readonly code: readonly string[];
}

function blocksOf(comment: string): readonly Block[] {
  const blocks: { at: number; code: string[] }[] = [];
  let open = false;
  for (const [at, raw] of comment.split('\n').entries()) {
    const line = raw.replace(/\s*\*\/$/, '').replace(/^\s*(?:\/\*\*|\*)? ?/, '');
    const [, tag, rest = ''] = /^@(\w+) ?(.*)$/.exec(line) ?? [];
    if (tag !== undefined) {
      open = tag === 'example';
      if (open) blocks.push({ at, code: [rest] });
    } else if (open) blocks.at(-1)?.code.push(line);
  }
  return blocks.map(trimmed);
}

/** Without empty lines at both ends. */
function trimmed({ at, code }: Block): Block {
  const from = code.findIndex((line) => line !== '');
  const to = code.findLastIndex((line) => line !== '');
  return from < 0 ? { at, code: [] } : { at: at + from, code: code.slice(from, to + 1) };
}

function declarationOf([, keyword = '', name = '']: RegExpExecArray): Declaration {
  return { kind: keyword === 'interface' ? 'type' : (keyword as Declaration['kind']), name };
}

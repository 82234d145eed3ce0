import type { Recorder } from '../capture/recorder.ts';
import { saveRecording } from '../node/capture-file.ts';

/**
 * Writes what is remembered of a session that was lost. That it cannot be written must hide nothing of why the session
 * is over, so it is a warning of the process.
 */
export function captureOnError(recorder: Recorder | undefined, path: string | undefined): void {
  if (recorder === undefined || path === undefined) return;
  try {
    saveRecording(recorder, path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    process.emitWarning(`Cannot write the capture of a lost session: ${why}`, { code: 'TSISCSI_CAPTURE' });
  }
}

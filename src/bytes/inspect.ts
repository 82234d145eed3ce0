/**
 * The name of the method by which Node's `util.inspect`, and with it `console.log`, asks an object how it is shown. A
 * registered symbol, so that nothing of Node is needed for it.
 */
export const INSPECT = Symbol.for('nodejs.util.inspect.custom');

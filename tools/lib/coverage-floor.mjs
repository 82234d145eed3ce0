// The least that the tests must run of src/, in whole percent. It is what they ran when it was last set, rounded down:
// raise it as they grow.
export const FLOOR = { lines: 97, branches: 94 };

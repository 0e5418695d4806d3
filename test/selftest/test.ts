// SPDX-License-Identifier: GPL-2.0-only
// A test of the self-test: a sentence that is true when its body returns.

export type Test = readonly [sentence: string, body: () => void];

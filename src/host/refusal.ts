// SPDX-License-Identifier: GPL-2.0-only
// Something that cannot be done here, and what the reader can do about it: printed without a stack trace.

export class Refusal extends Error {}

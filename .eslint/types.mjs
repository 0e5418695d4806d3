// SPDX-License-Identifier: GPL-2.0-only
// What a rule asks of TypeScript's type checker.

import ts from "typescript";

/** The type of an expression; of a type parameter, what it extends. */
export function constraintType(context, node) {
  const { program, esTreeNodeToTSNodeMap } = context.sourceCode.parserServices;
  const checker = program.getTypeChecker();
  const type = checker.getTypeAtLocation(esTreeNodeToTSNodeMap.get(node));
  return checker.getBaseConstraintOfType(type) ?? type;
}

const parts = (type) => (type.isUnionOrIntersection() ? type.types : [type]);

/** Whether a value of the type may be a string. */
export function isStringType(type) {
  return parts(type).some((part) => (part.flags & ts.TypeFlags.StringLike) !== 0);
}

/** Whether a value of the type may be an object of one of the named built-in classes. */
export function isInstanceOf(type, names) {
  return parts(type).some((part) => names.has(part.symbol?.name));
}

/** Whether a value of the type may be undefined. */
export function mayBeUndefined(type) {
  return parts(type).some((part) => (part.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)) !== 0);
}

/** Whether a value of the type may be a tuple. */
export function isTupleType(checker, type) {
  return parts(type).some((part) => checker.isTupleType(part));
}

/** Whether a value of the type is an array, and no tuple. */
export function isArrayType(checker, type) {
  return parts(type).some((part) => checker.isArrayType(part));
}

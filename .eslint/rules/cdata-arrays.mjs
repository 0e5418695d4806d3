// SPDX-License-Identifier: GPL-2.0-only
// Keeps array types off C memory: TypeScriptToLua adds 1 to the index of an array, so element 0 of a C array would be
// read from element 1. An interface with a number index is indexed as written.

const ARRAYS = new Set(["TSArrayType", "TSTupleType"]);

function isArrayType(type) {
  if (type === undefined) return false;
  if (type.type === "TSTypeOperator") return isArrayType(type.typeAnnotation);
  if (type.type === "TSTypeReference") return /^(Readonly)?Array$/.test(type.typeName.name ?? "");
  return ARRAYS.has(type.type);
}

/** Whether the expression makes or casts C memory: a call of ffi.new, ffi.cast, or of a function of ffi.C. */
function isMemory(node) {
  if (node?.type === "TSAsExpression") return isMemory(node.expression);
  return node?.type === "CallExpression" && node.callee.type === "MemberExpression" && isForeign(node.callee.object);
}

function isForeign(node) {
  if (node.type === "MemberExpression") return isForeign(node.object);
  return node.type === "Identifier" && /^(ffi|C)$/.test(node.name);
}

export default {
  meta: {
    type: "problem",
    schema: [],
    messages: { shifted: "An array type shifts the index of C memory by 1: use an interface { [index: number]: T }." },
  },
  create: (context) => ({
    TSAsExpression(node) {
      if (isMemory(node.expression) && isArrayType(node.typeAnnotation)) context.report({ node, messageId: "shifted" });
    },
    VariableDeclarator(node) {
      if (isMemory(node.init) && isArrayType(node.id.typeAnnotation?.typeAnnotation)) {
        context.report({ node, messageId: "shifted" });
      }
    },
  }),
};

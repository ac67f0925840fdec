// @ts-check
"use strict";

/**
 * Return the element with an id, or null if the page has none.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T | null}
 */
function element(id, kind) {
  const found = document.getElementById(id);
  return found instanceof kind ? found : null;
}

/**
 * Return the element with an id, which the page has.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
function required(id, kind) {
  const found = element(id, kind);
  if (!found) throw new Error(`the page has no ${id}`);
  return found;
}

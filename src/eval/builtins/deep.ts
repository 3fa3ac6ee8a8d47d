// Evaluating a value to the bottom (`deepSeq`, `--strict`).

import { FloeError } from '../../base/errors.ts';
import { Attrs } from '../attrs.ts';
import { enterCall, leaveCall } from '../call.ts';
import { addFrame } from '../error-position.ts';
import { NO_POSITION } from '../position.ts';
import { printIdentifier } from '../../lang/print-ast.ts';
import { symbolName } from '../symbol.ts';
import { askedFor, force, Lambda, positionOf, type Slot } from '../value.ts';

/** Evaluates what is in lists and sets, and in those within, each list and set once; gives the value itself. */
export function forceDeep(slot: Slot): void {
  visit(slot, new Set());
}

function visit(slot: Slot, seen: Set<Slot[] | Attrs>): void {
  const position = positionOf(slot);
  enterCall(position);
  const value = force(slot, position);
  if (value instanceof Attrs) {
    if (!seen.has(value)) {
      seen.add(value);
      const slots = value.slots();
      for (let i = 0; i < slots.length; i++) {
        const member = slots[i]!;
        if (member instanceof Lambda) slots[i] = askedFor(member);
        else
          try {
            visit(member, seen);
          } catch (error) {
            if (error instanceof FloeError)
              addFrame(error, value.positionAt(i), `while evaluating the attribute '${printIdentifier(symbolName(value.keys()[i]!))}'`);
            throw error;
          }
      }
    }
  } else if (Array.isArray(value) && !seen.has(value)) {
    seen.add(value);
    for (let i = 0; i < value.length; i++) {
      const member = value[i]!;
      if (member instanceof Lambda) value[i] = askedFor(member);
      else
        try {
          visit(member, seen);
        } catch (error) {
          if (error instanceof FloeError) addFrame(error, NO_POSITION, `while evaluating list element at index ${i}`);
          throw error;
        }
    }
  }
  leaveCall();
}

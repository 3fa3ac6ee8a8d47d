// What the other workspace needs.
import pc from 'picocolors';

export const word = pc.createColors(false).bold('word');

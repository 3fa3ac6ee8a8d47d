#!/usr/bin/env node
// A program that needs the other workspace.
import { word } from 'words';

console.log('greet', word);

// The program: words to the one command file they name.

import process from 'node:process';
import { readLaunch } from './launch.ts';

const launch = readLaunch(process.argv, process.env);
console.log(launch);

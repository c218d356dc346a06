// Runs a Python statement in Pyodide, with this repository as a folder: node run.mjs PYODIDE REPOSITORY STATEMENT
import { pathToFileURL } from 'node:url';

const [pyodideFolder, repository, statement] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${pyodideFolder}/pyodide.mjs`));
const python = await loadPyodide({ indexURL: pyodideFolder, stdout: line => console.log(line) });
python.mountNodeFS('/repository', repository);
python.runPython(`import sys\nsys.path.insert(0, '/repository')\nsys.dont_write_bytecode = True\n${statement}`);

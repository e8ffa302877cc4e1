import path from 'node:path';
import tseslint from 'typescript-eslint';

const root = path.resolve(import.meta.dirname, '../..');

/** A test may be long and repeat itself where product code may not. */
const tests = ['**/*.test.ts', 'test/**/*.ts', '**/*.fake.ts'];

export default tseslint.config(
  { ignores: ['**/node_modules/**', 'dist/**', 'hack/lint/**'] },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: {
        project: ['tsconfig.json', 'src/dashboard/page/tsconfig.json'].map((file) => path.join(root, file)),
        tsconfigRootDir: root,
      },
    },
    rules: {
      // What is left out of a copy is named with an underscore: `const { status: _status, ...rest } = run`.
      '@typescript-eslint/no-unused-vars': [
        'error',
        {
          argsIgnorePattern: '^_',
          varsIgnorePattern: '^_',
          destructuredArrayIgnorePattern: '^_',
          ignoreRestSiblings: true,
        },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
      eqeqeq: 'error',
      'prefer-const': 'error',
      'max-len': [
        'error',
        {
          code: 120,
          ignoreStrings: true,
          ignoreTemplateLiterals: true,
          ignoreRegExpLiterals: true,
          ignoreUrls: true,
        },
      ],
      complexity: ['error', 10],
      'max-depth': ['error', 4],
      'max-params': ['error', 4],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['src/**/*.ts', 'src/**/*.tsx'],
    ignores: ['src/kube/config.ts', ...tests],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: '@kubernetes/client-node',
              message: 'Only src/kube/config.ts loads it: it costs 80 MB at run time.',
              allowTypeImports: true,
            },
          ],
        },
      ],
    },
  },
  {
    files: ['src/core/**/*.ts', 'src/api/**/*.ts', 'src/dashboard/view/**/*.ts'],
    ignores: tests,
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
          message: 'The clock is an argument here.',
        },
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: 'The clock is an argument here.',
        },
        {
          selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
          message: 'Randomness is an argument here.',
        },
      ],
    },
  },
  {
    files: ['src/dashboard/page/**'],
    rules: { 'no-restricted-globals': ['error', 'Buffer', 'process', 'global', 'require'] },
  },
  {
    files: tests,
    rules: {
      'max-lines': ['error', 1000],
      'max-lines-per-function': 'off',
      complexity: 'off',
      'max-params': ['error', 5],
      // A fake is asynchronous as what it stands for, a matcher such as `expect.stringMatching` is of any type, and a
      // test prints what it is given.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-base-to-string': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
    },
  },
);

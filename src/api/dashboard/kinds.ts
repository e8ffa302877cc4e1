import { missingField, via, type FieldError } from '../fielderror.ts';
import { kindVersion, type KindDefinition } from '../kind.ts';
import { extensionSpec, type Extension } from './extension.ts';

/** What operators add to the dashboard. */
export const dashboardKinds: readonly KindDefinition[] = [
  {
    group: 'dashboard.tekton.dev',
    kind: 'Extension',
    plural: 'extensions',
    singular: 'extension',
    namespaced: true,
    shortNames: ['ext', 'exts'],
    categories: ['tekton', 'tekton-dashboard'],
    description: 'A kind that the dashboard lists beside those of Tekton.',
    partOf: 'tekton-dashboard',
    statusSubresource: true,
    versions: [
      kindVersion<Extension>({
        name: 'v1alpha1',
        storage: true,
        spec: extensionSpec,
        printerColumns: [
          { name: 'API version', type: 'string', jsonPath: '.spec.apiVersion' },
          { name: 'Kind', type: 'string', jsonPath: '.spec.name' },
          { name: 'Display name', type: 'string', jsonPath: '.spec.displayname' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
        validate: validateExtension,
      }),
    ],
  },
];

/** Without both of these there is nothing to list: upstream's dashboard would show an empty page. */
function validateExtension({ spec }: Extension): FieldError[] {
  return via('spec', [
    ...(spec.apiVersion ? [] : missingField('apiVersion')),
    ...(spec.name ? [] : missingField('name')),
  ]);
}

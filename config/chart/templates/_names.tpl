{{- define "tektite.version" -}}
{{ .Chart.AppVersion }}
{{- end }}

{{/* Labels of every object; upstream's tools select by instance and part-of. */}}
{{- define "tektite.labels" -}}
app.kubernetes.io/instance: default
app.kubernetes.io/part-of: tekton-pipelines
app.kubernetes.io/version: {{ include "tektite.version" . | quote }}
{{- end }}

{{/* repository:tag, or repository@digest. Call with (dict "image" .Values.images.x "root" $). */}}
{{- define "tektite.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* "true" where the API server serves ValidatingAdmissionPolicy. Without a server to ask (helm template), what its version has. */}}
{{- define "tektite.servesAdmissionPolicies" -}}
{{- $served := .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy" -}}
{{- $offline := not (.Capabilities.APIVersions.Has "v1/Pod") -}}
{{- if or $served (and $offline (semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version)) }}true{{ end -}}
{{- end }}

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

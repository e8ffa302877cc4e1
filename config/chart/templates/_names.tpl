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

{{/* Replicas on different nodes where there are several, unless the values say otherwise. Call with (dict "affinity" .Values.x.affinity "labels" (dict ...)). */}}
{{- define "tektite.affinity" -}}
{{- if .affinity }}
{{- toYaml .affinity }}
{{- else -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- toYaml .labels | nindent 12 }}
{{- end }}
{{- end }}

{{/* A restart is no loss, but each costs the runs some seconds: autoscalers leave these pods alone. Values win. */}}
{{- define "tektite.podAnnotations" -}}
{{- toYaml (merge (deepCopy .annotations) (dict "cluster-autoscaler.kubernetes.io/safe-to-evict" "false")) }}
{{- end }}

{{/* The probes of every role. Until the first answer, a minute passes before it is started anew. */}}
{{- define "tektite.probes" -}}
startupProbe:
  httpGet: { path: /health, port: probes }
  periodSeconds: 1
  failureThreshold: 60
  timeoutSeconds: 5
livenessProbe:
  httpGet: { path: /health, port: probes }
  periodSeconds: 10
  timeoutSeconds: 5
readinessProbe:
  httpGet: { path: /readiness, port: probes }
  periodSeconds: 2
  timeoutSeconds: 5
{{- end }}

{{/* A disruption budget that allows no disruption would stop every drain of a node. Call with (dict "role" name "values" .Values.x). */}}
{{- define "tektite.minAvailable" -}}
{{- $wanted := .values.podDisruptionBudget.minAvailable }}
{{- if and (not (kindIs "string" $wanted)) (ge (int $wanted) (int .values.replicas)) }}
{{- fail (printf "%s.podDisruptionBudget.minAvailable is %d with %d replicas: no node could be drained; make it smaller, or set %s.podDisruptionBudget.enabled=false" .role (int $wanted) (int .values.replicas) .role) }}
{{- end }}
{{- $wanted }}
{{- end }}

{{/* Helpers that take a component want (dict "root" $ "app" "backend"). */}}

{{/* Selectors cannot change later. */}}
{{- define "understudy.selectorLabels" -}}
app: {{ .app }}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{/* A pod's: without versions of the chart, whose change alone starts no pod anew. */}}
{{- define "understudy.podLabels" -}}
{{ include "understudy.selectorLabels" . }}
app.kubernetes.io/component: {{ .app }}
app.kubernetes.io/part-of: understudy
{{- end }}

{{- define "understudy.labels" -}}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
{{ include "understudy.podLabels" . }}
{{- end }}

{{/* Labels of what belongs to no component. */}}
{{- define "understudy.platformLabels" -}}
{{ include "understudy.labels" (dict "root" . "app" "understudy") }}
{{- end }}

{{/* An image's full reference: (dict "root" $ "image" .Values.backend.image). */}}
{{- define "understudy.image" -}}
{{- with .root.Values.image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{ .image.repository }}{{ if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag | default .root.Values.image.tag }}{{ end }}
{{- end }}

{{- define "understudy.keysSecret" -}}
{{ .Values.secrets.keys.existingSecret | default "understudy-keys" }}
{{- end }}

{{- define "understudy.postgresSecret" -}}
{{ .Values.secrets.postgres.existingSecret | default "understudy-postgres" }}
{{- end }}

{{- define "understudy.providersSecret" -}}
{{ .Values.secrets.providers.existingSecret | default "understudy-providers" }}
{{- end }}

{{/* Names of the Secrets that the hook makes; nothing where all are an operator's. */}}
{{- define "understudy.madeSecrets" -}}
{{- $names := list -}}
{{- if .Values.hooks.secrets.enabled -}}
{{- if not .Values.secrets.keys.existingSecret }}{{ $names = append $names "understudy-keys" }}{{ end -}}
{{- if and .Values.postgres.enabled (not .Values.secrets.postgres.existingSecret) }}{{ $names = append $names "understudy-postgres" }}{{ end -}}
{{- end -}}
{{ join " " $names }}
{{- end }}

{{/* A claim for data: (dict "root" $ "app" "postgres" "name" "postgres-data" "size" "10Gi"). */}}
{{- define "understudy.claim" -}}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ .name }}
  labels:
    {{- include "understudy.labels" . | nindent 4 }}
  {{- if .root.Values.persistence.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
spec:
  accessModes: [ReadWriteOnce]
  {{- with .root.Values.persistence.storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests:
      storage: {{ .size }}
{{- end }}

{{/* The port of a URL, its scheme's where it names none. */}}
{{- define "understudy.port" -}}
{{- $url := urlParse . -}}
{{- $default := get (dict "http" "80" "https" "443" "redis" "6379" "rediss" "6379") $url.scheme -}}
{{ regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default $default }}
{{- end }}

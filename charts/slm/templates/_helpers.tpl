{{/* Selectors cannot change later: only the instance tells releases apart. */}}
{{- define "slm.selectorLabels" -}}
app: slm-inference
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Which model this is: everything that reads identity reads these. */}}
{{- define "slm.identity" -}}
understudy.dev/endpoint: {{ .Values.endpoint | quote }}
understudy.dev/version: {{ .Values.version | quote }}
understudy.dev/model-id: {{ .Values.modelID | quote }}
understudy.dev/attempt: {{ .Values.attempt | quote }}
understudy.dev/mode: {{ .Values.mode }}
{{- end }}

{{/* A pod's: without versions of the chart, whose change alone starts no pod anew. */}}
{{- define "slm.podLabels" -}}
{{ include "slm.selectorLabels" . }}
app.kubernetes.io/component: slm-inference
app.kubernetes.io/part-of: understudy
{{ include "slm.identity" . }}
{{- end }}

{{- define "slm.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{ include "slm.podLabels" . }}
{{- end }}

{{- define "slm.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end }}

{{- define "slm.tokenSecret" -}}
{{ .Values.token.secretName | default (printf "%s-token" .Release.Name) }}
{{- end }}

{{/* Where the container finds the base's file; empty where it pulls it. */}}
{{- define "slm.baseFile" -}}
{{- with .Values.base -}}
{{- if eq .source "hostFile" -}}/base/{{ base .hostFile.path }}
{{- else if eq .source "existingClaim" -}}/base/{{ .existingClaim.file | trimPrefix "/" }}
{{- else if eq .source "image" -}}/base/{{ .image.file | trimPrefix "/" }}
{{- end -}}
{{- end -}}
{{- end }}

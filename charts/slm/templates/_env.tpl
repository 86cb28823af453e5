{{- define "slm.env" -}}
- name: LISTEN_ADDR
  value: ":8080"
- name: MODE
  value: {{ .Values.mode }}
- name: MODEL_DIR
  value: /model
{{- if eq .Values.base.source "pull" }}
- name: BASE_URL
  value: {{ .Values.base.pull.url | quote }}
{{- else }}
- name: BASE_FILE
  value: {{ include "slm.baseFile" . }}
{{- end }}
- name: BASE_SHA256
  value: {{ .Values.base.sha256 | quote }}
- name: ADAPTER_SHA256
  value: {{ .Values.adapter.sha256 | quote }}
- name: MANIFEST_SHA256
  value: {{ .Values.manifest.sha256 | quote }}
- name: MODEL_ALIAS
  value: {{ .Values.model.alias | quote }}
- name: CONTEXT_LENGTH
  value: {{ .Values.model.contextLength | quote }}
- name: SLOTS
  value: {{ .Values.model.slots | quote }}
- name: QUEUE
  value: {{ .Values.model.queue | quote }}
- name: CPU_LIMIT
  valueFrom:
    resourceFieldRef:
      resource: limits.cpu
      divisor: "1"
- name: BACKEND_URL
  value: {{ .Values.backendURL | quote }}
- name: TRAINER_URL
  value: {{ .Values.trainerURL | quote }}
- name: TOKEN_FILE
  value: /token/token
- name: MODEL_ID
  value: {{ .Values.modelID | quote }}
- name: ATTEMPT
  value: {{ .Values.attempt | quote }}
{{- if eq .Values.mode "batch" }}
- name: EVALUATION_BATCH_SIZE
  value: {{ .Values.job.evaluationBatchSize | quote }}
{{- end }}
{{- end }}

{{/* A variable out of a Secret: (dict "secret" "understudy-keys" "name" "X" "optional" true). */}}
{{- define "understudy.secretEnv" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .name }}
      {{- if .optional }}
      optional: true
      {{- end }}
{{- end }}

{{/* A variable out of understudy-config: its name. Optional: the ConfigMap has it only where it is set. */}}
{{- define "understudy.configEnv" -}}
- name: {{ . }}
  valueFrom:
    configMapKeyRef:
      name: understudy-config
      key: {{ . }}
      optional: true
{{- end }}

{{/* Who the pod is. */}}
{{- define "understudy.identityEnv" -}}
- name: NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- end }}

{{- define "understudy.keysEnv" -}}
{{- $secret := include "understudy.keysSecret" . -}}
{{ include "understudy.secretEnv" (dict "secret" $secret "name" "UNDERSTUDY_ADMIN_KEY") }}
{{ include "understudy.secretEnv" (dict "secret" $secret "name" "UNDERSTUDY_SERVICE_TOKEN") }}
{{- end }}

{{- define "understudy.databaseEnv" -}}
{{- if .Values.postgres.enabled -}}
{{ include "understudy.secretEnv" (dict "secret" (include "understudy.postgresSecret" .) "name" "POSTGRES_PASSWORD") }}
- name: DATABASE_URL
  value: postgres://understudy:$(POSTGRES_PASSWORD)@postgres:5432/understudy?sslmode=disable
{{- else -}}
{{ include "understudy.secretEnv" (dict "secret" .Values.postgres.external.existingSecret "name" "DATABASE_URL") }}
{{- end }}
{{- end }}

{{/* How the trainer rents machines at RunPod: what is set. Also where the default is another:
     an endpoint may name RunPod, and what was rented before is looked after. */}}
{{- define "understudy.runpodEnv" -}}
{{- if or (eq .Values.config.trainingProvider "runpod") .Values.training.runpod.agentImage -}}
{{- $r := .Values.training.runpod -}}
{{- $env := dict
  "AGENT_IMAGE" $r.agentImage
  "RUNPOD_BASE_URL" $r.baseURL
  "RUNPOD_CLOUD" $r.cloud
  "RUNPOD_GPUS" (join "," $r.gpus)
  "RUNPOD_DATA_CENTERS" (join "," $r.dataCenters)
  "RUNPOD_MAX_HOURLY_USD" (toString $r.maxHourlyUSD)
  "RUNPOD_MAX_PODS" ($r.maxPods | int64 | toString)
  "RUNPOD_DISK_GB" ($r.diskGB | int64 | toString)
  "RUNPOD_VOLUME_ID" $r.volumeID
  "RUNPOD_REGISTRY_ID" $r.registryID
-}}
{{- $set := list -}}
{{- range $name, $value := $env }}{{ with $value }}{{ $set = append $set (dict "name" $name "value" .) }}{{ end }}{{ end -}}
{{ toYaml $set }}
{{- end }}
{{- end }}

{{/* Keys of LLMs: the usual ones, and those that upstreams name. */}}
{{- define "understudy.llmKeysEnv" -}}
{{- $names := list "OPENAI_API_KEY" "ANTHROPIC_API_KEY" -}}
{{- range .Values.upstreams }}{{ with .keyEnv }}{{ $names = append $names . }}{{ end }}{{ end -}}
{{- $secret := include "understudy.providersSecret" . -}}
{{- range $i, $name := uniq $names }}
{{- if $i }}{{ "\n" }}{{ end }}
{{- include "understudy.secretEnv" (dict "secret" $secret "name" $name "optional" true) }}
{{- end }}
{{- end }}

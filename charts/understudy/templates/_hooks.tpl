{{/* Annotations of a hook: (dict "events" "pre-install,pre-upgrade" "weight" 0).
What a hook needs is made before it and taken away after it; what failed stays to be looked at. */}}
{{- define "understudy.hook" -}}
helm.sh/hook: {{ .events }}
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{/* Events of everything that both hooks need. */}}
{{- define "understudy.hookEvents" -}}
{{- $events := list -}}
{{- if include "understudy.madeSecrets" . }}{{ $events = concat $events (list "pre-install" "pre-upgrade") }}{{ end -}}
{{- if .Values.hooks.cleanup.enabled }}{{ $events = append $events "pre-delete" }}{{ end -}}
{{ join "," $events }}
{{- end }}

{{/* Seconds that the cleanup may take: first it waits until the backend's pods have ended. */}}
{{- define "understudy.cleanupSeconds" -}}
{{ .Values.hooks.cleanup.timeoutSeconds | int | default (add .Values.backend.terminationGracePeriodSeconds 120) }}
{{- end }}

{{/* A hook's Job: (dict "root" $ "name" "understudy-secrets" "events" ... "seconds" 120 "args" (list ...)). Its env follows. */}}
{{- define "understudy.hookJob" -}}
{{- $c := dict "root" .root "app" "understudy-hooks" "account" "understudy-hooks" "token" true "user" .root.Values.pods.runAsUser -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .name }}
  labels:
    {{- include "understudy.labels" $c | nindent 4 }}
  annotations:
    {{- include "understudy.hook" (dict "events" .events "weight" 0) | nindent 4 }}
    helm.sh/hook-output-log-policy: hook-failed
spec:
  backoffLimit: 2
  activeDeadlineSeconds: {{ .seconds }}
  template:
    metadata:
      labels:
        {{- include "understudy.podLabels" $c | nindent 8 }}
    spec:
      {{- include "understudy.podSpec" $c | nindent 6 }}
      restartPolicy: Never
      containers:
        - name: hook
          image: {{ include "understudy.image" (dict "root" .root "image" .root.Values.backend.image) }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args:
            {{- toYaml .args | nindent 12 }}
          resources:
            {{- toYaml .root.Values.hooks.resources | nindent 12 }}
          {{- include "understudy.containerSecurity" .root | nindent 10 }}
          volumeMounts:
            - name: tmp
              mountPath: /tmp
          env:
            {{- include "understudy.identityEnv" .root | nindent 12 }}
            {{- with .env }}
            {{- . | nindent 12 }}
            {{- end }}
      volumes:
        - name: tmp
          emptyDir: {}
{{- end }}

{{/* A hook's RoleBinding: (dict "root" $ "name" "understudy-secrets" "events" ...). */}}
{{- define "understudy.hookBinding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}
  labels:
    {{- include "understudy.labels" (dict "root" .root "app" "understudy-hooks") | nindent 4 }}
  annotations:
    {{- include "understudy.hook" (dict "events" .events "weight" -10) | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: understudy-hooks
    namespace: {{ .root.Release.Namespace }}
{{- end }}

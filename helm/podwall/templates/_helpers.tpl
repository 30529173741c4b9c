{{- define "podwall.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "podwall.serviceAccount" -}}
{{- default (include "podwall.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{/* What a DaemonSet's selector may hold: it cannot change later. */}}
{{- define "podwall.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "podwall.labels" -}}
{{ include "podwall.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "podwall.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What reads and writes nf_tables: the agent, and the command that removes the rules. */}}
{{- define "podwall.securityContext" -}}
# Kubernetes sets no ambient capabilities: any other user would lose NET_ADMIN at exec, and nft with it.
runAsUser: 0
runAsGroup: 0
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
  # nf_tables, `ip neigh` and NFLOG; links, routes, neighbours and the bridge's table can be read without.
  # Nothing else: what is written belongs to uid 0 (no DAC_OVERRIDE), and no namespace is entered (no SYS_ADMIN).
  add: [NET_ADMIN]
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* All that can be written: the socket and state on the host, and transactions that nft reads from a file. */}}
{{- define "podwall.writableMounts" -}}
- name: state
  mountPath: {{ .Values.agent.stateDir }}
- name: transactions
  mountPath: /tmp
{{- end -}}

{{/* What needs no right at all: the pod that idles after the rules were removed. */}}
{{- define "podwall.unprivileged" -}}
runAsUser: 65534
runAsNonRoot: true
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "podwall.writableVolumes" -}}
- name: state
  hostPath:
    path: {{ .Values.agent.stateDir }}
    type: DirectoryOrCreate
- name: transactions
  emptyDir:
    medium: Memory
    sizeLimit: 64Mi
{{- end -}}

{{/*
Values under their previous names: each is refused with the new one, since the same value may mean something else now.
*/}}
{{- define "podwall.refuseRenamed" -}}
{{- $values := dict
  "agent.cniResults" "agent.cniCacheDir"
  "audit.maxSize" "audit.logMaxSize (megabytes)"
  "audit.maxAge" "audit.logRotateAfter for the age at which the file is rotated (as 24h); audit.logMaxAge is the days that rotated files are kept"
  "audit.keep" "audit.logMaxBackup (files)"
-}}
{{- range $old, $new := $values -}}
{{- $path := splitList "." $old -}}
{{- if hasKey (index $.Values (first $path)) (last $path) -}}
{{- fail (printf "%s: use %s" $old $new) -}}
{{- end -}}
{{- end -}}
{{- if eq .Values.agent.mode "audit" -}}
{{- fail "agent.mode=audit: use agent.mode=dry-run" -}}
{{- end -}}
{{- if eq .Values.agent.established "cut" -}}
{{- fail "agent.established=cut: use agent.established=reevaluate" -}}
{{- end -}}
{{- end -}}

# What the cluster is made of; a change here makes a new folder of programs.
kubernetes=v1.36.3
metrics_server=v0.9.0
etcd=v3.6.8
containerd=v2.2.1
coredns=v1.15.0
helm=v3.22.0 # the SDK that backend/go.mod names

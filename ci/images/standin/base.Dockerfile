# Stands in for debian:bookworm-slim where no registry can be reached: a Debian made by mmdebstrap.
FROM scratch
ADD base.tar /
CMD ["bash"]

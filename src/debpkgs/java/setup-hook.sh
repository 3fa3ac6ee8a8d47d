# Build tools ask for the folder that java is in.
if [[ -z ${JAVA_HOME-} ]]; then export JAVA_HOME=@out@/lib/jvm/java-17-openjdk-amd64; fi

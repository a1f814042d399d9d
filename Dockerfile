# The studio in a container, on the CPU:
#   docker build -t symbolic-music .
#   docker run --rm -p 127.0.0.1:8000:8000 -v "$PWD:/music" symbolic-music song.mid
# It prints an address with a token: open that. Files are read from and saved beside song.mid; sessions stay in
# /music/.sessions. The port inside and outside is the same, because the server checks the host that a browser names.
# CI builds it; it has not been run by hand yet, since this version was written on a machine without Docker.
FROM python:3.13-slim

WORKDIR /src
COPY constraints.txt .
RUN torch=$(grep '^torch==' constraints.txt) \
    && pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu "$torch"
COPY pyproject.toml README.md LICENSE ./
COPY symbolic_music symbolic_music
# The CPU build of torch has a local version, which satisfies the pin.
RUN pip install --no-cache-dir -c constraints.txt '.[studio]' \
    && pip install --no-cache-dir --no-deps -c constraints.txt tinysoundfont \
    && rm -rf /src/*

RUN useradd --create-home musician && mkdir /music && chown musician /music
USER musician
WORKDIR /music
EXPOSE 8000
ENTRYPOINT ["symbolic-music", "studio", "--no-browser", "--host", "0.0.0.0", "--port", "8000", "--sessions", "/music/.sessions"]

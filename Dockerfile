# A page and an API for trained models (docs/serve.md):
#   docker build -t asr-serve . && docker run --rm -p 8000:8000 -v "$PWD/RUN_DIR/model:/model:ro" asr-serve

FROM python:3.11-slim AS build
WORKDIR /source
RUN pip install --no-cache-dir build
COPY setup.py setup.cfg pyproject.toml MANIFEST.in README.md LICENSE ./
COPY asr asr
COPY conf conf
RUN python -m build --wheel --outdir /wheels

FROM python:3.11-slim
COPY constraints.txt /constraints.txt
COPY --from=build /wheels /wheels
# PyTorch for the CPU: a tenth of the size
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu -c /constraints.txt \
      "$(echo /wheels/*.whl)[server]" \
    && rm -r /wheels /constraints.txt
RUN useradd --create-home --uid 10001 listener
USER listener
ENV MPLCONFIGDIR=/tmp/matplotlib PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --start-period=60s CMD ["python", "-c", \
  "import urllib.request as web; web.urlopen('http://127.0.0.1:8000/health', timeout=5)"]
ENTRYPOINT ["asr", "serve", "--host", "0.0.0.0"]
CMD ["--model", "/model"]

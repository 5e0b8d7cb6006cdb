"""What stands between the two ends of .ci/counterparts: nginx and haproxy. TLS ends there, and plain
connections go on. Knows nothing of what goes through.
"""
import asyncio
import os
import socket
import subprocess
import tempfile


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def nginx(folder, setting, port, to):
    tls = f"ssl_certificate {setting.cert}; ssl_certificate_key {setting.key};" if setting.secure else ""
    config = f"""
        daemon off; worker_processes 1; pid {folder}/pid; error_log stderr;
        events {{ worker_connections 64; }}
        http {{
            access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
            fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
            server {{
                listen 127.0.0.1:{port}{" ssl" if setting.secure else ""}; {tls}
                location / {{
                    proxy_pass http://127.0.0.1:{to}; proxy_http_version 1.1;
                    proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";
                    proxy_set_header Host $host;
                }}
            }}
        }}"""
    path = write(folder, "nginx.conf", config)
    return ["nginx", "-p", folder, "-e", "stderr", "-c", path]


def haproxy(folder, setting, port, to):
    pem = write(folder, "both.pem", "".join(open(f).read() for f in (setting.cert, setting.key)))
    tls = f" ssl crt {pem}" if setting.secure else ""
    config = f"""
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    timeout tunnel 1h
frontend in
    bind 127.0.0.1:{port}{tls}
    default_backend out
backend out
    server one 127.0.0.1:{to}
"""
    return ["haproxy", "-db", "-f", write(folder, "haproxy.cfg", config)]


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


async def between(kind, setting, to, use):
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        command = {"nginx": nginx, "haproxy": haproxy}[kind](folder, setting, port, to)
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            for _ in range(100):
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    await asyncio.sleep(0.05)
            await use(port)
        finally:
            process.terminate()
            process.wait()

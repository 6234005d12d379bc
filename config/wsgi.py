import os
import signal

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.embedded.lifeline import tie_to_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if os.environ.get("QUORUM_SUPERVISED"):
    tie_to_parent(signal.SIGKILL)  # a web worker whose server was killed would keep the port
application = get_wsgi_application()
# Set before the first connection, so only web processes have them.
options = settings.DATABASES["default"]["OPTIONS"]
limits = [f"-c {name}={limit}" for name, limit in settings.WEB_DATABASE_LIMITS.items()]
options["options"] = " ".join([options.get("options", ""), *limits])

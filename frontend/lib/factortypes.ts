// Values of the calls about log-ins and second factors, as the generated clients of all apps have them (`web/types.py`,
// `web/factorcalls/types.py`). Shared code names them here, because it is a layer below the generated code.

export interface LoginResult {
  csrf_token: string;
  login_address: string;
  second_step: SecondStep | null;
  device: boolean;
}

export interface SecondStep {
  token: string;
  apps: Array<string>;
  keys: Array<string>;
  keys_elsewhere: Array<KeyElsewhere>;
  key_request: string;
  codes: boolean;
  server_time: number;
}

export interface KeyElsewhere {
  name: string;
  host: string;
}

export interface FactorState {
  apps: Array<TOTPApp>;
  keys: Array<FactorKey>;
  codes: number;
  host: string;
  programs: Array<ProgramUse>;
  server_time: number;
}

export interface TOTPApp {
  id: number;
  name: string;
  created: number;
  last_used: number;
}

export interface FactorKey {
  id: number;
  name: string;
  host: string;
  created: number;
  last_used: number;
}

export interface ProgramUse {
  protocol: string;
  program: string;
  remote_ip: string;
  last: number;
}

export interface NewApp {
  uri: string;
  secret: string;
  qr: QRCode;
  server_time: number;
}

export interface QRCode {
  size: number;
  path: string;
}

export interface KeyRequest {
  options: string;
}

export interface FactorAdded {
  name: string;
  recovery_codes: Array<string>;
}
